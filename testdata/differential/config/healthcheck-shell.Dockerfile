FROM tiny
HEALTHCHECK CMD wget -q -O - http://localhost || exit 1
