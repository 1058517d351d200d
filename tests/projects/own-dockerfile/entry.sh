#!/bin/sh
export TABLE=/opt/tables/rates.csv
exec "$@"
