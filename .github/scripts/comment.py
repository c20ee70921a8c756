"""Keep one comment on a pull request that says what the gate decided; never fail a job over it.

The comment is found again by a hidden marker and updated in place. It is made from what
`harness gate` wrote into a directory; when nothing is there, it says so. Whatever goes wrong with
posting, such as the read-only token of a fork, becomes a warning in the log.

    python comment.py GATE_DIRECTORY            post, as the environment of GitHub Actions says
    python comment.py GATE_DIRECTORY --print    print the comment instead

Needs nothing but the standard library of Python 3.8 or newer.
"""

# ruff: noqa: INP001  a script that is run by its path, not a package

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

MARKER = "<!-- harness: memory gate -->"
LONGEST = 60_000  # the service refuses 65,536 characters
PER_PAGE = 100
MOST_PAGES = 50
PATIENCE_S = 20

NOTHING = """## Memory gate

**No verdict: nothing was measured.** The job ended before the gate could judge anything; its log \
says why. This is a failure of the measurement, not a regression."""


class PostingFailed(Exception):
    """The comment could not be posted, and why."""


def comment_of(gate: Path, job_url: str) -> str:
    """Return the text of the comment: the report, or the decision alone where that is too long."""
    for name in ("report.md", "decision.md"):
        text = read(gate / name)
        if text and len(text) <= LONGEST:
            break
    else:
        text = NOTHING
    link = f"\n\n[Log and artefacts of this run]({job_url})" if job_url else ""
    return f"{MARKER}\n{text.strip()}{link}\n"


def read(path: Path) -> str:
    """Return a file's text; empty when there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


class Api:
    """The few calls we need of the service."""

    def __init__(self, url: str, repository: str, token: str) -> None:
        self.root = f"{url.rstrip('/')}/repos/{repository}/issues"
        self.token = token

    def call(self, method: str, path: str, body: dict[str, str] | None = None) -> object:
        """Return the decoded answer.

        Raises:
            PostingFailed: There was none, or it was an error.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        request = urllib.request.Request(  # noqa: S310 - the URL is the service's own
            f"{self.root}/{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            hint = " (a fork's token may only read)" if error.code == 403 else ""
            raise PostingFailed(f"{method} {path}: HTTP {error.code}{hint}") from error
        except (OSError, ValueError) as error:
            raise PostingFailed(f"{method} {path}: {error}") from error


def post(api: Api, number: str, text: str) -> str:
    """Update our comment on a pull request, or make it; say which.

    Raises:
        PostingFailed: Neither could be done.
    """
    ours = find_comment(api, number)
    if ours is None:
        api.call("POST", f"{number}/comments", {"body": text})
        return "posted"
    api.call("PATCH", f"comments/{ours}", {"body": text})
    return "updated"


def find_comment(api: Api, number: str) -> int | None:
    """Return the id of the comment that begins with our marker; who quotes it is not it."""
    for page in range(1, MOST_PAGES + 1):
        found = api.call("GET", f"{number}/comments?per_page={PER_PAGE}&page={page}")
        if not isinstance(found, list):
            raise PostingFailed("the list of comments is no list")
        for comment in found:
            if str(comment.get("body", "")).startswith(MARKER):
                return int(comment["id"])
        if len(found) < PER_PAGE:
            return None
    raise PostingFailed(f"our comment is not among the first {MOST_PAGES * PER_PAGE}")


def job_url() -> str:
    """Return where the run is shown, as the service tells it; empty elsewhere."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    server = os.environ.get("GITHUB_SERVER_URL", "")
    return f"{server}/{os.environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}" if run else ""


def main(arguments: list[str]) -> int:
    """Return the exit code: 2 for wrong usage, 0 for everything else."""
    if not arguments:
        sys.stderr.write("usage: comment.py GATE_DIRECTORY [--print]\n")
        return 2
    text = comment_of(Path(arguments[0]), job_url())
    if "--print" in arguments:
        sys.stdout.write(text)
        return 0
    try:
        number = required("PULL_REQUEST")
        api = Api(
            os.environ.get("GITHUB_API_URL", "https://api.github.com"),
            required("GITHUB_REPOSITORY"),
            required("GITHUB_TOKEN"),
        )
        sys.stdout.write(f"comment {post(api, number, text)}\n")
    except PostingFailed as error:
        sys.stdout.write(f"::warning title=No comment on the pull request::{error}\n")
    return 0


def required(name: str) -> str:
    """Return a variable of the environment.

    Raises:
        PostingFailed: It is not set, so nothing can be posted.
    """
    value = os.environ.get(name, "")
    if not value:
        raise PostingFailed(f"{name} is not set")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
