FROM tiny
USER app
COPY one /a
COPY dir /home/app/dir
