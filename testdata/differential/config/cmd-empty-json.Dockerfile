FROM tiny
CMD []
