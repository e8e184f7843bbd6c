"""A SCIM endpoint over the django-scim2-server library, everything in memory: python app.py PORT TOKEN"""

import hmac
import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

urlpatterns = [path("scim/v2/", include("django_scim2_server.urls"))]


def knows_the_token(request):
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(credentials.encode(), settings.CLIENT_TOKEN.encode())


def main():
    port, token = int(sys.argv[1]), sys.argv[2]
    settings.configure(
        SECRET_KEY="nothing is signed here",
        CLIENT_TOKEN=token,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="__main__",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_scim2_server"],
        SCIM2_SERVER_AUTH_CHECK="__main__.knows_the_token",
    )
    django.setup()
    call_command("migrate", verbosity=0)
    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    main()
