FROM tiny
WORKDIR "/quoted dir"
