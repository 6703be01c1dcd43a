FROM tiny
SHELL /bin/sh
