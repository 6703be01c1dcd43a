FROM --platform=linux/amd64 tiny
COPY one /one
