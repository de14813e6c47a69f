"""The systems around Daybook, the real ones, without containers: each module starts one of them on loopback, waits
until it serves, and ends it by its process id. `python3 -m stack` runs them together; ./dev stack calls that.

    python3 -m stack.kafka run        one throw-away Kafka broker, for tests and for people

Standard library only. What they run on is fetched once into build/stack-cache.
"""
