FROM tiny
ENV A=1 # not a comment
