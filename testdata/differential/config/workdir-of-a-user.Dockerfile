FROM tiny
USER app
WORKDIR /home/app/made
WORKDIR /elsewhere/made
