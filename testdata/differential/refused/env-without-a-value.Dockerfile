FROM tiny
ENV A
