FROM tiny
COPY one /etc/passwd
COPY dir /etc
COPY two /etc/a
