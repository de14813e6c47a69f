"""The command line behind ./dev stack and ./dev demo."""

import argparse
import os
import subprocess
import sys

from stack import demo as demonstration
from stack import records
from stack.base import ROOT, Problem, say
from stack.stack import DIRECTORY, Stack

BINARIES = ROOT / "build" / "release" / "examples" / "beneficiary"

DESCRIPTION = """The systems around Daybook on this machine, without containers, reachable from this machine only:
PostgreSQL 15, Kafka, Kafka Connect with Debezium, and BOS, the Django application whose changes they carry. All they
store lies under build/stack; what they run on is fetched once into build/stack-cache."""

EPILOG = """
  ./dev stack up                          then, for example:
  ./dev stack bos change --count 100      a hundred transactions in BOS; see also: ./dev stack bos help
  ./dev stack records --follow bos.public.core_bank bos.transaction
  ./dev stack logs connect --follow
  ./dev stack down
"""


def up(arguments):
    instances = arguments.instances.split(",") if arguments.instances else None
    stack = Stack(arguments.dir, instances, attached=False, binaries=binaries(arguments))
    stack.up(arguments.clients, arguments.beneficiaries)
    show(stack)
    return 0


def binaries(arguments):
    return None if arguments.without_daybook else BINARIES


def show(stack):
    """A line for each component, and where to look."""
    for component, _ in stack.components:
        state = f"pid {component.pid}" if component.is_running() else "DOES NOT RUN"
        print(f"{component.name:20} {state:12} {next(iter(component.about().values()), '')}")
    client = "EBPCLI000001"
    print("\nTo try:\n")
    for bos in stack.bos:
        print(f"  curl -i '{bos.url}/client/beneficiaries?client_id={client}&page_size=2'")
        print(f"  psql -h 127.0.0.1 -p {stack.postgres.port} -U bos {bos.database}")
    if stack.binaries:
        switch, query = (stack.find(f"beneficiary-{name}") for name in ("switch", "query"))
        print(f"  curl -i 'http://{switch.address('http')}/client/beneficiaries?client_id={client}&page_size=2'")
        print(f"  curl 'http://{query.address('http')}/v1/clients/{client}/beneficiaries?limit=2'")
        print(f"  http://{switch.address('admin')}/      the parallel run, in a browser")
        for name in ("gateway", "command", "query"):
            print(f"  curl http://{stack.find(f'beneficiary-{name}').address('admin')}/status")
    print(f"  curl {stack.connect.url}/connectors/{stack.bos[0].instance}/status")
    print("  ./dev stack bos change --count 100 --rate 10")
    print(f"  ./dev stack records --follow {stack.sources[0].prefix}.transaction\n")
    print(f"Kafka's address for clients is {stack.kafka.bootstrap}. ./dev stack down ends everything.")


def status(arguments):
    stack = existing(arguments)
    if not all(component.is_running() for component, _ in stack.components):
        for component, _ in stack.components:
            print(f"{component.name:20} {'pid ' + str(component.pid) if component.is_running() else 'DOES NOT RUN'}")
        print("\n./dev stack up starts what does not run; ./dev stack logs NAME shows what it said.")
        return 1
    show(stack)
    return 0


def existing(arguments):
    stack = Stack(arguments.dir, attached=False)
    if not stack.is_there():
        raise Problem(f"there is no stack in {stack.directory}", "Start it: ./dev stack up")
    return stack


def logs(arguments):
    component = existing(arguments).find(arguments.name)
    if not component.log.exists():
        raise Problem(f"{component.name} has said nothing yet", "Start it: ./dev stack up")
    argv = ["tail", f"--lines={arguments.lines}", *(["--follow=name", "--retry"] if arguments.follow else [])]
    os.execvp("tail", [*argv, str(component.log)])


def down(arguments):
    stack = Stack(arguments.dir, attached=False)
    if not stack.directory.exists():
        say("there is nothing to end")
    elif arguments.keep:
        stack.stop()
        say(f"everything ended; its data is kept in {stack.directory} for the next ./dev stack up")
    else:
        stack.remove()
        say("everything ended, nothing is left")
    return 0


def bos(arguments):
    stack = existing(arguments)
    named = [b for b in stack.bos if b.instance == (arguments.instance or stack.instances[0])]
    if not named:
        raise Problem(f"there is no BOS instance {arguments.instance}", f"There are: {', '.join(stack.instances)}.")
    argv, environment = named[0].manage_command(*arguments.arguments)
    return subprocess.run(argv, env={**os.environ, **environment}, check=False).returncode


def read(arguments):
    options = [] if arguments.follow else ["--until-end"]
    with records.follow(["--bootstrap", existing(arguments).kafka.bootstrap, *options, *arguments.topic]) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            return 0


def demo(arguments):
    stack = Stack(arguments.dir, attached=False, binaries=binaries(arguments)).up()
    demonstration.run(stack, arguments.count, arguments.rate, arguments.seed)
    show(stack)
    return 0


def soak(arguments):
    """The long test: it has a stack and a command line of its own."""
    script = ROOT / "tests" / "stack" / "soak.py"
    os.execv(sys.executable, [sys.executable, str(script), *arguments])


def parser():
    made = argparse.ArgumentParser(prog="./dev stack", description=DESCRIPTION, epilog=EPILOG,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--dir", default=DIRECTORY, help="where everything is stored (default: build/stack)")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, function, about, **more):
        added = commands.add_parser(name, help=about, description=about, **more)
        added.set_defaults(function=function)
        return added

    ups = command("up", up, "start what does not run, and wait until all of it serves")
    ups.add_argument("--instances", default="", help="of BOS, e.g. uk,eu (default: uk)")
    ups.add_argument("--clients", type=int, default=20, help="to seed an empty BOS with")
    ups.add_argument("--beneficiaries", type=int, default=200, help="to seed an empty BOS with; 0: leave it empty")
    ups.add_argument("--without-daybook", action="store_true", help="only the systems around it")
    command("status", status, "what runs, and where; exit code 1 if something does not")
    log = command("logs", logs, "what a component said")
    log.add_argument("name")
    log.add_argument("--lines", default="50")
    log.add_argument("--follow", "-f", action="store_true")
    downs = command("down", down, "end all of it and remove what it stored")
    downs.add_argument("--keep", action="store_true", help="keep what is stored for the next up")
    boss = command("bos", bos, "run one of BOS's commands: seed, change, migrate …")
    boss.add_argument("--instance", default="")
    boss.add_argument("arguments", nargs=argparse.REMAINDER)
    reads = command("records", read, "print topics, a record a line, as JSON")
    reads.add_argument("--follow", action="store_true", help="go on with what comes")
    reads.add_argument("topic", nargs="+", help="a name, or ^ and a regular expression")
    demos = command("demo", demo, "bring it up, change BOS, and print where to look", prog="./dev demo")
    demos.add_argument("--count", type=int, default=100)
    demos.add_argument("--rate", type=float, default=10)
    demos.add_argument("--seed", type=int, default=1)
    demos.add_argument("--without-daybook", action="store_true", help="only the systems around it")
    commands.add_parser("soak", help="an hour of changes and faults on a stack of its own; soak --help tells more")
    return made


def main(argv=None):
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["soak"]:
        soak(given[1:])
    arguments = parser().parse_args(given)
    try:
        return arguments.function(arguments)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. ./dev stack status tells what runs; ./dev stack down ends it.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
