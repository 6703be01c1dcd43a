FROM tiny
COPY . /all
