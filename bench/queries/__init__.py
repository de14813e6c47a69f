"""./dev bench queries: client/beneficiaries of BOS in several ways, of a bare server, and of Daybook, side by side.

data.py fills BOS and Daybook with the same rows, sides.py starts what is measured, measure.py asks and times it,
report.py prints it. http_load and bare_server are C++ (bench/harness, bench/floors).
"""
