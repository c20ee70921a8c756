import pytest
from hypothesis import given

from harness.errors import ConfigError, PipelineError
from harness.model import Scope
from harness.pipelines.encoders import ENCODER_NAMES, make_encoder
from harness.tests.pipelines import strategies
from harness.tests.pipelines.parcels import make_function
from harness.tests.pipelines.strategies import few


@given(strategies.children)
@few
def test_for_all_scopes_every_encoder_writes_the_same_bytes(scope: Scope) -> None:
    encoded = {make_encoder(name).encode(scope) for name in ENCODER_NAMES}
    assert len(encoded) == 1


@given(strategies.children)
@few
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
