FROM tiny
LABEL a=file
