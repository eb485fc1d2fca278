"""Runs: several threads, Ctrl-C, callbacks, memory, forks."""

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import inpaint_edge
import numpy as np
import pytest
from inpaint_edge import Inpainter, LimitsError, UsageError


def large(side=1500):
    """An image with a hole that takes seconds."""
    y, x = np.mgrid[:side, :side]
    image = np.stack([x, y, x + y], axis=2).astype(np.uint8)
    mask = np.zeros((side, side), bool)
    mask[side // 4 : -side // 4, side // 4 : -side // 4] = True
    return image, mask


def test_threads_share_an_inpainter(inpainter, photo, mask):
    expected = inpainter.inpaint(photo, mask)
    results = [None] * 4

    def work(i):
        results[i] = inpainter.inpaint(photo, mask)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all((result == expected).all() for result in results)


def test_other_threads_run_during_a_fill(inpainter):
    image, mask = large(600)
    ended, steps = threading.Event(), []

    def count():
        while not ended.is_set():
            steps.append(1)
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = len(steps)
    inpainter.inpaint(image, mask)
    during = len(steps) - before
    ended.set()
    counter.join()
    assert during >= 3


def test_one_array_is_not_filled_twice_at_a_time(inpainter):
    image, mask = large(600)
    seen = []

    def again(done, total):
        if not seen:
            with pytest.raises(Exception, match="borrow"):
                inpainter.inpaint(image, mask, out=image)
            seen.append(done)

    inpainter.inpaint(image, mask, out=image, progress=again)
    assert len(seen) == 1


def test_progress_reaches_the_total_and_its_exception_stops_the_run(photo, mask):
    for threads in (1, 2):
        inpainter = Inpainter(threads=threads)
        steps, callers = [], set()

        def progress(done, total):
            steps.append((done, total))
            callers.add(threading.get_ident())

        inpainter.inpaint(photo, mask, progress=progress)
        assert steps == sorted(steps) and steps[-1][0] == steps[-1][1]
        assert callers == {threading.get_ident()}
        with pytest.raises(ZeroDivisionError):
            inpainter.inpaint(photo, mask, progress=lambda done, total: 1 / 0)
        assert (inpainter.inpaint(photo, mask) == inpaint_edge.inpaint(photo, mask)).all()


def test_ctrl_c_stops_a_run():
    code = """
import signal, sys, inpaint_edge
sys.path.insert(0, sys.argv[1])
from test_runs import large
image, mask = large(2000)
# A shell makes what runs in the background deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("ready", flush=True)
    while True:
        inpaint_edge.inpaint(image, mask)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code, os.path.dirname(__file__)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "stopped\n"
    assert child.wait() == 0


def test_nothing_but_the_result_is_allocated_for_the_image(inpainter):
    image = np.zeros((2000, 3000, 3), np.uint8)
    mask = np.zeros((2000, 3000), bool)
    mask[100:104, 100:104] = True
    inpainter.inpaint(image, mask)
    for out, most in [(None, image.nbytes), (image, 0)]:
        for order in ("rgb", "bgr"):
            tracemalloc.start()
            inpainter.inpaint(image, mask, out=out, order=order)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert most <= peak <= most + 100_000


def test_max_memory_refuses_before_the_run(photo, mask):
    image, wide = large()
    inpainter = Inpainter(max_memory=16 << 20)
    with pytest.raises(LimitsError) as raised:
        inpainter.inpaint(image, wide)
    assert isinstance(raised.value, MemoryError) and raised.value.exit_code == 5
    need = Inpainter().plan(wide, macs=True)
    assert need["plan_bytes"] > 16 << 20 and need["macs"] > 10**9
    assert Inpainter().plan(wide)["macs"] == 0


def test_a_fork_makes_an_inpainter_of_its_own(photo, mask):
    expected = inpaint_edge.inpaint(photo, mask, threads=2)
    made_before = Inpainter(threads=2)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if (inpaint_edge.inpaint(photo, mask, threads=2) == expected).all():
                try:
                    made_before.inpaint(photo, mask)
                except UsageError:
                    code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
