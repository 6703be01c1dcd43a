FROM tiny AS one
WORKDIR /one
FROM nowhere.invalid/nothing AS two
RUN exit 1
