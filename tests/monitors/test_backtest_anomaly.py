"""The command that scores a file."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]


def _run(path: Path) -> list[str]:
    out = io.StringIO()
    call_command("backtest_anomaly", str(path), stdout=out)
    return out.getvalue().splitlines()


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_back_as_they_were_with_a_score(tmp_path: Path) -> None:
    rows = [
        "2026-03-01 00:00:00,1.50",
        "2026-03-01T00:05:00Z,1e3",
        "2026-03-01T00:05:00+00:00,",
        "1772323800,NaN",
        "1772324100.5,-0",
        "2026-03-01 00:00:00,7",
    ]
    lines = _run(_write(tmp_path / "a.csv", "\n".join(["timestamp,value", *rows]) + "\n"))
    assert lines[0] == "timestamp,value,anomaly_score"
    assert [line.rpartition(",")[0] for line in lines[1:]] == rows
    assert all(0.0 <= float(line.rpartition(",")[2]) <= 1.0 for line in lines[1:])


def test_other_columns_and_a_byte_order_mark_are_no_obstacle(tmp_path: Path) -> None:
    lines = _run(_write(tmp_path / "a.csv", "\ufeffhost,value,timestamp\r\nweb,3,2026-03-01\r\n"))
    assert lines[1] == "2026-03-01,3,0.000000"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: the file is empty"),
        ("when,what\n1,2\n", "line 1: the header must hold timestamp and value"),
        ("timestamp,value\n2026-01-01,1\nyesterday,2\n", "line 3: 'yesterday' is no time"),
        ("timestamp,value\n2026-01-01,many\n", "line 2: 'many' is no number"),
        ("timestamp,value\n2026-01-01\n", "line 2: 1 cells"),
        ("timestamp,value\ninf,1\n", "line 2: 'inf' is no time"),
    ],
)
def test_bad_input_is_one_sentence_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as caught:
        _run(_write(tmp_path / "bad.csv", text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        _run(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"timestamp,value\n\xff\xfe\n")
    with pytest.raises(CommandError, match="not UTF-8"):
        _run(tmp_path / "binary.csv")


def test_it_needs_no_database(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "timestamp,value\n" + "".join(f"{row * 60},{row % 5}\n" for row in range(100)))
    nowhere = os.environ | {"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}
    command = [sys.executable, str(ROOT / "manage.py"), "backtest_anomaly", str(path)]
    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 101
    done = subprocess.run([*command[:-1], str(path.parent)], env=nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 1
