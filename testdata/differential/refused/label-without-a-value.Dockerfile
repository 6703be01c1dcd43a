FROM tiny
LABEL a
