"""The socket itself: how it stops, who may connect, and what is left of servers that were killed."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perception import UserError
from server.local_socket import LocalSocket, new_name
from server.observability import Metrics
from server.service import PerceptionService
from tests.server.fake import FakeBackend
from tests.server.local_socket.calling import FOLDER, GOOD, served, until
from tests.server.service.running import run


def test_stopping_answers_what_is_under_way_and_closes() -> None:
    async def scenario() -> None:
        hold = asyncio.Event()
        async with served(FakeBackend(hold=hold)) as it:
            busy, idle = await it.caller(), await it.caller()
            busy.send(GOOD.SerializeToString())
            busy.send(GOOD.SerializeToString())
            await until(lambda: it.backend.callers)
            stopping = asyncio.ensure_future(it.local.stop(5))
            await asyncio.sleep(0.05)
            assert not stopping.done()
            with pytest.raises(FileNotFoundError):
                await it.caller()
            hold.set()
            await stopping
            assert (await busy.receive()).HasField("response")
            assert await idle.is_closed()
            assert (await busy.receive()).failure.code == 14  # what came behind it
            assert await busy.is_closed()
            assert len(it.backend.callers) == 1

    run(scenario)


def test_stopping_has_a_limit_and_can_be_cut_short() -> None:
    async def scenario() -> None:
        async with served(FakeBackend(hold=asyncio.Event())) as it:
            callers = [await it.caller() for _ in range(3)]
            for caller in callers:
                caller.send(GOOD.SerializeToString())
            await until(lambda: len(it.backend.callers) == 3)
            stopping = asyncio.ensure_future(it.local.stop(60))
            await asyncio.sleep(0.05)
            assert not stopping.done()
            await it.local.stop(0)
            await stopping
            assert [await caller.is_closed() for caller in callers] == [True] * 3
            assert it.counted("CANCELLED") == 3

    run(scenario)


def test_the_socket_is_private_and_other_users_get_no_word(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("to be another user takes root")
    program = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.settimeout(5)\n"
        "try:\n    s.connect(sys.argv[1]); print(s.recv(9))\nexcept OSError as error:\n    print(error.strerror)"
    )

    async def heard(path: Path) -> str:
        command = [sys.executable, "-c", program, str(path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    async def scenario() -> None:
        async with served() as it:
            assert stat.S_IMODE(it.path.stat().st_mode) == 0o600
            assert await heard(it.path) == "Permission denied"
            it.path.chmod(0o666)
            assert await heard(it.path) in ("b''", "Connection reset by peer")

    run(scenario)


def test_sockets_of_killed_servers_are_removed_and_others_stay() -> None:
    orphan, alive, file = FOLDER / new_name(), FOLDER / new_name(), FOLDER / new_name()
    file.touch()
    program = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for path in (orphan, alive)]

    async def scenario() -> None:
        await until(lambda: orphan.exists() and alive.exists())
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        async with served():
            assert not orphan.exists()
            assert alive.exists()
            assert file.exists()

    try:
        run(scenario)
    finally:
        processes[1].kill()
        processes[1].wait()
        alive.unlink(missing_ok=True)
        file.unlink()


def test_a_machine_without_the_folder_is_told_to_do_without(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = PerceptionService(FakeBackend())
        local = LocalSocket(new_name(), service, Metrics(), folder=tmp_path / "missing")
        with pytest.raises(UserError, match="without --shared-memory"):
            await local.start()
        service.close()

    run(scenario)
