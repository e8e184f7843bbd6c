"""The addresses, and the check of the token before the library looks for a user."""

import hmac

from django.conf import settings
from django.urls import include, path

urlpatterns = [path("scim/v2/", include("django_scim.urls", namespace="scim"))]


class Client:
    """Whoever holds the token."""

    is_authenticated = True


class Stranger:
    """Anybody else."""

    is_authenticated = False


def check_token(get_response):
    def middleware(request):
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and hmac.compare_digest(credentials.encode(), settings.SCIM_TOKEN.encode())
        request.user = Client() if known else Stranger()
        return get_response(request)

    return middleware
