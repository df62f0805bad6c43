"""What the command-line tests share."""

import sys

import pytest

from detente import cli


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in `tmp_path`, in this process; returns (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["detente", *arguments])
        status = 0
        try:
            cli.main()
        except SystemExit as error:
            status = int(error.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return call
