FROM tiny
COPY one /etc/passwd/below
