FROM tiny
WORKDIR /zero
FROM tiny
WORKDIR /one
