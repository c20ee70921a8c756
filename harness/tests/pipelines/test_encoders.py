import pytest
from hypothesis import given

from harness.errors import ConfigError, PipelineError
from harness.model import LanguageSpecifics, LineRange, Scope, Symbol, package_scope
from harness.pipelines.encoders import ENCODER_NAMES, make_encoder
from harness.tests.pipelines import strategies
from harness.tests.pipelines.parcels import make_function

RANGE = LineRange(4, 5)
SPECIFICS = LanguageSpecifics(
    continuation=True,
    super_classes=("Base",),
    linkage_name="_ZN1p1fEv",
    qualified_name="p::f",
    agent_version="7.1",
    go_qualified_name="p.f",
    available_line_ranges=(RANGE,),
)
SYMBOL = Symbol(
    language_specifics=SPECIFICS, line=3, symbol_type="arg", type="*chan<- int", name="é"
)
SPECIFICS_BYTES = (
    b'{"available_line_ranges":[{"start":4,"end":5}],"go_qualified_name":"p.f",'
    b'"agent_version":"7.1","qualified_name":"p::f","linkage_name":"_ZN1p1fEv",'
    b'"super_classes":["Base"],"continuation":true}'
)
SYMBOL_BYTES = (
    '{"name":"é","type":"*chan<- int","symbol_type":"arg","line":3,"language_specifics":'
).encode() + (SPECIFICS_BYTES + b"}")


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_every_key_is_written_in_the_order_of_the_schema(name: str) -> None:
    inner = Scope(scope_type="local", name="", start_line=1, end_line=2, has_injectible_lines=False)
    scope = Scope(
        scopes=[inner],
        symbols=[SYMBOL],
        language_specifics=SPECIFICS,
        injectible_lines=(RANGE,),
        has_injectible_lines=True,
        end_line=9,
        start_line=1,
        source_file="/src/p.go",
        name="f",
        scope_type="function",
    )
    assert make_encoder(name).encode(scope) == (
        b'{"scope_type":"function","name":"f","source_file":"/src/p.go","start_line":1,'
        b'"end_line":9,"has_injectible_lines":true,"injectible_lines":[{"start":4,"end":5}],'
        b'"language_specifics":' + SPECIFICS_BYTES + b',"symbols":[' + SYMBOL_BYTES + b"],"
        b'"scopes":[{"scope_type":"local","name":"","start_line":1,"end_line":2,'
        b'"has_injectible_lines":false}]}'
    )


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_what_is_empty_is_left_out_unless_the_schema_always_has_it(name: str) -> None:
    scope = package_scope("")
    scope.symbols = [
        Symbol(name="", type="", symbol_type="field"),
        Symbol(name="", type="", symbol_type="local", line=0),
    ]
    assert make_encoder(name).encode(scope) == (
        b'{"scope_type":"package","name":"","start_line":0,"end_line":0,'
        b'"has_injectible_lines":false,"symbols":[{"name":"","type":"","symbol_type":"field"},'
        b'{"name":"","type":"","symbol_type":"local","line":0}]}'
    )


@given(strategies.children)
def test_for_all_scopes_every_encoder_writes_the_same_bytes(scope: Scope) -> None:
    encoded = {make_encoder(name).encode(scope) for name in ENCODER_NAMES}
    assert len(encoded) == 1


@given(strategies.children)
@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_appending_writes_what_encoding_returns(name: str, scope: Scope) -> None:
    encoder, buffer = make_encoder(name), bytearray(b"before")
    encoder.append(scope, buffer)
    assert buffer == b"before" + encoder.encode(scope)


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_a_string_that_is_no_unicode_is_a_pipeline_error(name: str) -> None:
    with pytest.raises(PipelineError):
        make_encoder(name).encode(make_function("\ud800", 1))


def test_an_unknown_encoder_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="msgspec"):
        make_encoder("xml")
