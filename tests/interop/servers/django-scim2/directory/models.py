"""People and teams as a Django product would keep them."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Team(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=254, unique=True)


class Person(AbstractSCIMUserMixin, AbstractUser):
    teams = models.ManyToManyField(Team, related_name="user_set")

    @property
    def scim_groups(self):
        return self.teams
