# django-scim2-server 1.1 on Django 5.2 with SQLite in memory: Python, young, with real faults. Unlike ../django-scim2 it keeps a
# deleted user as an inactive one that can still be read.

base_path=/scim/v2

install() { # FOLDER
  python_venv "$1" django-scim2-server==1.1.0 scim2-models==0.12.3 'django==5.2.*'
}

start() { # FOLDER PORT TOKEN
  exec "$1/venv/bin/python" "$here/servers/django-scim2-server/app.py" "$2" "$3"
}
