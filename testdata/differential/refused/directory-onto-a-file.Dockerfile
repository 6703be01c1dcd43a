FROM tiny
COPY dir /etc/passwd
