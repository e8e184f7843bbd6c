"""A SCIM endpoint over the django-scim2-server library, everything in memory: python app.py PORT TOKEN"""

import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path


def check_token(request):
    """What the library asks whether a request may be served."""
    return request.headers.get("Authorization") == f"Bearer {sys.argv[2]}"


urlpatterns = [path("scim/v2/", include("django_scim2_server.urls"))]


def main():
    settings.configure(
        SECRET_KEY="nothing is signed here",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_scim2_server"],
        SCIM2_SERVER_AUTH_CHECK=f"{__name__}.check_token",
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    main()
