import collections
import json
import random
import signal
import threading
import time

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection, transaction

from beneficiaries import services
from beneficiaries.history import OPERATIONS, NotNow, World
from beneficiaries.made_up import MadeUp


class TakenBack(Exception):
    """This transaction was meant to be rolled back."""


class Writer:
    """One connection that makes transactions, from a seed of its own."""

    def __init__(self, seed, options, tell):
        self.rng = random.Random(seed)
        self.world = World(self.rng, MadeUp(self.rng, options["nasty"]))
        self.rolled_back = options["rolled_back"]
        self.tell = tell
        chosen = set(filter(None, options["only"].split(",")))
        self.operations = [o for o in OPERATIONS if not chosen or o[1].__name__ in chosen]
        self.weights = [weight for weight, _, _ in self.operations]

    def one(self):
        """One transaction: (operation, outcome, what it did). Chooses again until there is something to do."""
        while True:
            _, function, says = self.rng.choices(self.operations, self.weights)[0]
            is_meant_to_fail = self.rng.random() < self.rolled_back
            try:
                with services.described(says) if says else transaction.atomic():
                    told = function(self.world)
                    if is_meant_to_fail:
                        raise TakenBack
                return function.__name__, "committed", told
            except TakenBack:
                return function.__name__, "rolled back", told
            except NotNow:
                continue
            except DatabaseError as error:  # a deadlock of two writers, an alias taken meanwhile, a bank just removed
                return function.__name__, "refused", str(error).splitlines()[0]

    def run(self, due_times, ending):
        for due in due_times:
            if ending.wait(max(0, due - time.monotonic())):
                break
            self.tell(*self.one())
        connection.close()


class Command(BaseCommand):
    help = """Changes the database as users, batch jobs and migrations do: transactions over several tables, rolled-back
    ones, bulk updates, shared banks, rows that move, keys that change. With one writer the same seed on the same
    database makes the same changes. SIGTERM: it ends between two transactions, and tells how many it made."""

    def add_arguments(self, parser):
        parser.add_argument("--count", type=int, default=200, help="transactions")
        parser.add_argument("--rate", type=float, default=0, help="transactions a second; 0: as fast as it goes")
        parser.add_argument("--writers", type=int, default=1, help="connections that write at the same time")
        parser.add_argument("--rolled-back", type=float, default=0.08, help="share that is rolled back")
        parser.add_argument("--nasty", type=float, default=0.05, help="share of difficult texts")
        parser.add_argument("--only", default="", help="these operations only, by name, separated by commas")
        parser.add_argument("--each", action="store_true", help="print a line of JSON for each transaction")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options):
        outcomes, lock, ending = collections.Counter(), threading.Lock(), threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ending.set())

        def tell(name, outcome, told):
            with lock:
                outcomes[outcome] += 1
                if options["each"]:
                    self.stdout.write(json.dumps({"operation": name, "outcome": outcome, "told": told}))
                    self.stdout.flush()

        begin, writers = time.monotonic(), options["writers"]
        step = 1 / options["rate"] if options["rate"] else 0
        due = [begin + number * step for number in range(options["count"])]
        made = [Writer(f"{options['seed']}/{number}", options, tell) for number in range(writers)]
        threads = [threading.Thread(target=w.run, args=(due[n::writers], ending)) for n, w in enumerate(made)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
        self.stdout.write(json.dumps({
            "transactions": sum(outcomes.values()), "committed": outcomes["committed"],
            "rolled_back": outcomes["rolled back"],
            "refused": outcomes["refused"], "seconds": round(seconds, 2), "seed": options["seed"]}))
