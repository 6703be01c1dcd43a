FROM box
RUN chmod -R go-rwx /old /home; chmod -R u+s /usr
