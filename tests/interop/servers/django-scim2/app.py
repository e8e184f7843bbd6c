"""A SCIM endpoint over the django-scim2 library, everything in memory: python app.py PORT TOKEN"""

import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


def main():
    port, token = int(sys.argv[1]), sys.argv[2]
    settings.configure(
        SECRET_KEY="nothing is signed here",
        SCIM_TOKEN=token,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="directory.web",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_scim", "directory"],
        AUTH_USER_MODEL="directory.Person",
        MIDDLEWARE=["directory.web.check_token", "django_scim.middleware.SCIMAuthCheckMiddleware"],
        SCIM_SERVICE_PROVIDER={
            "SCHEME": "http",
            "NETLOC": f"127.0.0.1:{port}",
            "GROUP_MODEL": "directory.models.Team",
            "AUTHENTICATION_SCHEMES": [
                {"type": "oauthbearertoken", "name": "Bearer token", "description": "One token for every client"}
            ],
            "WWW_AUTHENTICATE_HEADER": 'Bearer realm="scim"',
        },
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    main()
