from django.db import models


class Client(models.Model):
    client_ref = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=140)
    status = models.CharField(max_length=16, default="active")
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.client_ref
