FROM tiny
MAINTAINER Some Body <somebody@example.org>
