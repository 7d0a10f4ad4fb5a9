"""How does Flink take the carts by Python? A keyed process function with a timer of processing time for each wait.

One task, in a cluster that Flink starts inside the process; state on the heap, checkpoints to disk each second, exactly
once. Flink reads the lines from a file itself and writes the reminders to files that a checkpoint commits. Every line
comes to the person's state, which recognises message ids. The ways are those in which Flink runs Python: `process`,
beside the JVM, as it does by default, and `thread`, inside it. The first fifth of the lines does not count.
"""

from __future__ import annotations

import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from pyflink.common import Configuration, Duration, Encoder, Types, WatermarkStrategy
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSink, FileSource, RollingPolicy, StreamFormat

from peers.carts import REMINDER
from peers.flink_functions import BEGUN, REMINDED, TAKEN, WARM, Cart, person_of, read, to_count
from peers.telling import LOOK_EVERY_S, Asked, Watch, asked, tell

OUTPUT = "out"

READ = Types.TUPLE([Types.STRING(), Types.STRING(), Types.INT()])


def configuration(one: Asked) -> Configuration:
    settings = {
        "python.execution-mode": one.way,
        "python.executable": sys.executable,
        "python.pythonpath": f"{Path(__file__).parents[1]}:{sysconfig.get_path('purelib')}",
        "parallelism.default": "1",
        "pipeline.object-reuse": "true",
        "state.backend.type": "hashmap",
        "restart-strategy.type": "none",
        "execution.checkpointing.interval": "1s",
        "execution.checkpointing.dir": f"file://{one.folder}/checkpoints",
    }
    configured = Configuration()
    for name, value in settings.items():
        configured.set_string(name, value)
    return configured


def job(one: Asked, count: int) -> StreamExecutionEnvironment:
    """It looks for further files all the time: a job whose source has ended would end before its timers."""
    whole = StreamExecutionEnvironment.get_execution_environment(configuration(one))
    files = FileSource.for_record_stream_format(StreamFormat.text_line_format(), f"file://{one.lines}")
    lines = whole.from_source(
        files.monitor_continuously(Duration.of_hours(1)).build(), WatermarkStrategy.no_watermarks(), "lines"
    )
    by_person = lines.map(read, READ).key_by(person_of, Types.STRING())
    sent = by_person.process(Cart(count, one.patience_s, one.folder), Types.STRING())
    sink = FileSink.for_row_format(f"file://{one.folder}/{OUTPUT}", Encoder.simple_string_encoder())
    sent.sink_to(sink.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy()).build())
    return whole


def reminders(folder: Path, count: int) -> list[str]:
    """Of the files that are committed, once there are as many; files under way begin with a dot."""
    found: list[str] = []
    while len(found) < count:
        time.sleep(LOOK_EVERY_S)
        files = [path for path in (folder / OUTPUT).rglob("*") if path.is_file() and not path.name.startswith(".")]
        found = [person for path in files for person in path.read_text().split()]
    return found


def wait_for(mark: Path, running: Any) -> None:
    """Raises SystemExit if the job has ended before."""
    ended = running.get_job_execution_result()
    while not mark.exists():
        time.sleep(LOOK_EVERY_S)
        if ended.done():
            raise SystemExit(f"the job has ended: {ended.exception()}")


def main() -> None:
    one, lines = asked()
    folder = Path(one.folder)
    whole = job(one, len(lines))
    running = whole.execute_async("carts")
    wait_for(folder / BEGUN, running)
    watch = Watch(len(lines), one.patience_s)
    wait_for(folder / WARM, running)
    watch.begin(to_count(len(lines)))
    wait_for(folder / TAKEN, running)
    watch.taken()
    while not watch.due():
        time.sleep(LOOK_EVERY_S)
    wait_for(folder / REMINDED, running)
    sent = reminders(folder, int((folder / REMINDED).read_text()))
    told = watch.told([(person, REMINDER) for person in sent])
    running.cancel().result()
    tell(told)


if __name__ == "__main__":
    main()
