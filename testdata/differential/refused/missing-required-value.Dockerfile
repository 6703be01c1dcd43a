FROM tiny
ENV A=${NONE:?missing}
