FROM tiny
COPY ./ /all/
