FROM tiny
ENV =x
