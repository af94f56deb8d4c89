"""builder.files: whole or old, never half; and nothing odd is opened."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder import files
from builder.problem import Refused


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    path = tmp_path / "a b 🦉.json"
    files.write(path, b"first")
    files.write(path, b"second" * 100_000)
    assert files.read_limited(path, 600_000) == b"second" * 100_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == {path.name}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_whichever_system_call_fails_the_error_travels_and_no_half_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "design.json"
    for fail_at in range(1, 100):
        files.write(path, b"old")
        calls: list[str] = []

        def failing(name: str, fail_at: int = fail_at, calls: list[str] = calls) -> object:
            real = getattr(os, name)

            def call(*args: object) -> object:
                calls.append(name)
                if len(calls) == fail_at:
                    raise OSError(code, os.strerror(code))
                if name == "write":  # a disk that takes three bytes at a time
                    return real(args[0], memoryview(args[1])[:3])  # type: ignore[arg-type]
                return real(*args)

            return call

        with monkeypatch.context() as patch:
            for name in ("write", "fsync", "replace"):
                patch.setattr(files.os, name, failing(name))
            if fail_at > 5:  # two writes, fsync, replace, fsync of the folder: all of them went well
                files.write(path, b"newer")
                assert calls == ["write", "write", "fsync", "replace", "fsync"]
                assert path.read_bytes() == b"newer"
                return
            with pytest.raises(OSError) as caught:
                files.write(path, b"newer")
        assert caught.value.errno == code
        assert len(calls) == fail_at
        # Only when the very last step fails has the new content taken its place, whole.
        assert path.read_bytes() == (b"newer" if fail_at == 5 else b"old")
        assert names(tmp_path) == {path.name}


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 300_000 for letter in b"abc"]
    program = (
        "import sys; from pathlib import Path; from builder import files\n"
        "while True:\n"
        "    for letter in b'abc': files.write(Path(sys.argv[1]), bytes([letter]) * 300_000); print(letter, flush=True)"
    )
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(4):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() in contents


def test_a_sweep_removes_old_temporary_files_and_nothing_else(tmp_path: Path) -> None:
    long_ago = time.time() - files.STALE_SECONDS - 10
    for index in range(500):
        stale = tmp_path / f"{files.TEMPORARY}{index}"
        stale.touch()
        os.utime(stale, (long_ago, long_ago))
    live = tmp_path / f"{files.TEMPORARY}live"
    live.touch()
    kept = tmp_path / "old but kept"
    kept.touch()
    os.utime(kept, (long_ago, long_ago))
    assert files.sweep(tmp_path) == 500
    assert names(tmp_path) == {live.name, kept.name}


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert files.read_limited(path, 10) == b"x" * 10
    with pytest.raises(Refused) as caught:
        files.read_limited(path, 9)
    assert caught.value.problems[0].code == "file/too-large"


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    cases = {
        tmp_path / "none": "file/missing",
        Path("nul\0inside"): "file/missing",
        tmp_path: "file/not-a-file",
        pipe: "file/not-a-file",
        Path("/dev/zero"): "file/not-a-file",
        tmp_path / ("n" * 300): "file/unreadable",
    }
    for path, code in cases.items():
        with pytest.raises(Refused) as caught:
            files.read_limited(path, 1000)
        assert caught.value.problems[0].code == code, path


def test_a_long_log_is_begun_anew_and_its_last_half_kept(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    files.cap_log(path, 1000)  # none yet
    descriptor = files.open_log(path)
    os.write(descriptor, b"a" * 1000)
    files.cap_log(path, 1000)
    assert path.stat().st_size == 1000
    os.write(descriptor, b"b" * 400)
    files.cap_log(path, 1000)
    os.write(descriptor, b"c")
    os.close(descriptor)
    assert path.read_bytes() == b"c"
    assert (tmp_path / "engine.log.old").read_bytes() == b"a" * 100 + b"b" * 400
