"""One comment, found again and updated, against a real server; and no failure of posting fails."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.tests.ci.scripts import SCRIPTS, needs_checkout
from harness.tests.commands import ran

pytestmark = needs_checkout

MARKER = "<!-- harness: memory gate -->"
ISSUES = "/repos/someone/something/issues"


@dataclass
class Service:
    """As much of the service as is called, over loopback; `refuse` answers a method with a code."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, method: str, target: str, body: dict[str, str]) -> tuple[int, Any]:
        if method in self.refuse:
            return self.refuse[method], {"message": "no"}
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if (method, path) == ("GET", f"{ISSUES}/7/comments"):
            size, page = int(query["per_page"][0]), int(query["page"][0])
            return 200, self.comments[size * (page - 1) : size * page]
        if (method, path) == ("POST", f"{ISSUES}/7/comments"):
            self.comments.append({"id": 1000 + len(self.comments), **body})
            return 201, self.comments[-1]
        for comment in self.comments:
            if (method, path) == ("PATCH", f"{ISSUES}/comments/{comment['id']}"):
                comment.update(body)
                return 200, comment
        return 404, {}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            made.tokens.add(self.headers["Authorization"])
            code, answer = made.answer(self.command, self.path, json.loads(body or b"{}"))
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a directory with what the gate wrote."""
    (tmp_path / "report.md").write_text("# The whole report\n")
    (tmp_path / "decision.md").write_text("# The decision\n")
    return tmp_path


def run(gate: Path, url: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the workflow does, with nothing else in its environment."""
    known = {
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": "someone/something",
        "GITHUB_TOKEN": "t0ken",
        "PULL_REQUEST": "7",
        "no_proxy": "*",
    }
    return ran(
        sys.executable,
        SCRIPTS / "comment.py",
        gate,
        *flags,
        env={**known, **environment},
        timeout=60,
    )


def test_the_first_comment_is_made_and_later_ones_replace_it(service: Service, gate: Path) -> None:
    assert run(gate, service.url).stdout == "comment posted\n"
    (gate / "report.md").write_text("# Another report\n")
    assert run(gate, service.url).stdout == "comment updated\n"
    (comment,) = service.comments
    assert comment["body"] == f"{MARKER}\n# Another report\n"
    assert service.tokens == {"Bearer t0ken"}


def test_our_comment_is_found_behind_many_others_and_quotes_of_it_are_left_alone(
    service: Service, gate: Path
) -> None:
    service.comments = [{"id": number, "body": f"> {MARKER}"} for number in range(150)]
    service.comments.append({"id": 777, "body": f"{MARKER}\nold"})
    assert run(gate, service.url).stdout == "comment updated\n"
    assert service.comments[-1]["body"].endswith("# The whole report\n")
    assert all(comment["body"] == f"> {MARKER}" for comment in service.comments[:-1])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_refusal_is_a_warning_and_not_a_failure(
    service: Service, gate: Path, method: str, code: int
) -> None:
    service.refuse = {method: code}
    done = run(gate, service.url)
    assert done.returncode == 0
    assert done.stdout.startswith("::warning title=No comment on the pull request::")
    assert f"HTTP {code}" in done.stdout
    assert done.stderr == ""
    assert service.comments == []


def test_an_update_that_is_refused_is_a_warning(service: Service, gate: Path) -> None:
    service.comments = [{"id": 5, "body": f"{MARKER}\nold"}]
    service.refuse = {"PATCH": 403}
    done = run(gate, service.url)
    assert done.returncode == 0
    assert "a fork's token may only read" in done.stdout
    assert service.comments[0]["body"].endswith("old")


def test_no_network_is_a_warning(gate: Path) -> None:
    """Port 1 of loopback is where nobody listens."""
    done = run(gate, "http://127.0.0.1:1")
    assert done.returncode == 0
    assert done.stdout.startswith("::warning ")


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "PULL_REQUEST"])
def test_an_environment_without_a_pull_request_is_a_warning(
    service: Service, gate: Path, name: str
) -> None:
    done = run(gate, service.url, **{name: ""})
    assert done.returncode == 0
    assert f"{name} is not set" in done.stdout


def test_without_reports_the_comment_says_that_nothing_was_measured(
    service: Service, tmp_path: Path
) -> None:
    run(tmp_path / "nowhere", service.url)
    assert "No verdict: nothing was measured" in service.comments[0]["body"]
    assert "not a regression" in service.comments[0]["body"]


def test_a_report_beyond_what_the_service_takes_gives_way_to_the_decision(
    service: Service, gate: Path
) -> None:
    (gate / "report.md").write_text("x" * 65_537)
    run(gate, service.url)
    assert service.comments[0]["body"] == f"{MARKER}\n# The decision\n"


def test_the_comment_can_be_printed_with_a_link_to_the_job(service: Service, gate: Path) -> None:
    named = {"GITHUB_SERVER_URL": "https://example.org", "GITHUB_RUN_ID": "42"}
    done = run(gate, service.url, "--print", **named)
    assert done.stdout.splitlines()[0] == MARKER
    assert "(https://example.org/someone/something/actions/runs/42)" in done.stdout
    assert service.comments == []
