FROM tiny
WORKDIR some/where
