FROM tiny
ADD --chown=app:staff archives/gz.tar.gz /un/
ADD --chown=app:staff one /one
