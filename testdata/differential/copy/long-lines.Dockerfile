FROM tiny
COPY one \
     two \
# a comment in between
     html/index.html \

     /many/
