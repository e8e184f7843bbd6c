# django-scim2 0.23 on Django 5.2 with SQLite in memory: Python. It keeps only what Django's user and group know, computes
# displayName, counts ids up and implements a part of PATCH: the kind of server most products have.

base_path=/scim/v2

install() { # FOLDER
  python_venv "$1" django-scim2==0.23.0 'django==5.2.*'
}

start() { # FOLDER PORT TOKEN
  exec "$1/venv/bin/python" "$here/servers/django-scim2/app.py" "$2" "$3"
}
