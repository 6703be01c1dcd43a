FROM tiny AS First
WORKDIR /first
FROM tiny
WORKDIR /last
