FROM --platform=linux/s390x tiny
