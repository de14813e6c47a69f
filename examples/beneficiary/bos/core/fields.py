from django.db import models


class FixedCharField(models.CharField):
    """char(n): PostgreSQL pads it with blanks, which nobody wants to see."""

    def db_type(self, connection):
        return f"char({self.max_length})"

    def from_db_value(self, value, expression, connection):
        return None if value is None else value.rstrip(" ")
