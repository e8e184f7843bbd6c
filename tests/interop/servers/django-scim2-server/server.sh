# django-scim2-server 1.1.0 on Django 5.2 with SQLite in memory: Python. Django's own users and groups behind SCIM: a handful of
# attributes, eq filters, and a DELETE that deactivates.

base_path=/scim/v2

install() { # FOLDER
  python_venv "$1" django-scim2-server==1.1.0 'django==5.2.*'
}

start() { # FOLDER PORT TOKEN
  exec "$1/venv/bin/python" "$here/servers/django-scim2-server/app.py" "$2" "$3"
}
