# embed: turns .sql files into C.  -v part=header prints the enum of queries, -v part=queries their texts,
# -v part=report_header and -v part=reports those of reports, -v part=migrations the numbered migrations.  Works with mawk,
# gawk and busybox: no escapes inside gsub.
#
# A line that holds nothing but ":name" is replaced by the file name.inc beside it, as psql does it with
# -v name="$(cat name.inc)".  Lines of comment are left out of queries, and kept in migrations for --print.

function quote(text,    i, c, out) {
	out = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "\\" || c == "\"")
			out = out "\\"
		out = out c
	}
	return "\t\"" out "\\n\"\n"
}

function embed(line) {
	if (line !~ /^[ \t]*--/ || part == "migrations")
		body = body quote(line)
}

function include(name,    path, line, got) {
	path = folder "/" name ".inc"
	while ((got = (getline line < path)) > 0)
		embed(line)
	if (got < 0) {
		print FILENAME ": there is no " path > "/dev/stderr"
		failed = 1
		exit 1
	}
	close(path)
}

function finish() {
	if (stem == "")
		return
	if (part ~ /header$/)
		printf "\t%s_%s,\n", kind, toupper(stem)
	else if (part != "migrations")
		printf "\t[%s_%s] = { \"%s\",\n%s\t},\n", kind, toupper(stem), stem, body
	else
		printf "\t{ %d, \"%s\",\n%s\t},\n", substr(stem, 1, 4) + 0, substr(stem, 6), body
	body = ""
}

BEGIN {
	kind = part ~ /^report/ ? "REPORT" : "QUERY"
	print "/* Made from the .sql files by sql/embed.awk. */"
	if (part == "header")
		print "#ifndef DB_QUERY_ID_H\n#define DB_QUERY_ID_H\n\nenum query_id {"
	else if (part == "report_header")
		print "#ifndef REPORT_REPORT_ID_H\n#define REPORT_REPORT_ID_H\n\nenum report_id {"
	else if (part == "queries")
		print "#include \"db/query.h\"\n\nconst struct query queries[QUERIES] = {"
	else if (part == "reports")
		print "#include \"report/catalogue.h\"\n\nconst struct query report_queries[REPORTS] = {"
	else
		print "#include \"db/query.h\"\n\nconst struct migration migrations[] = {"
}

FNR == 1 {
	finish()
	folder = FILENAME
	sub(/\/[^\/]*$/, "", folder)
	stem = FILENAME
	sub(/.*\//, "", stem)
	sub(/\.sql$/, "", stem)
}

/^[ \t]*:[a-z_]+[ \t]*$/ {
	name = $0
	gsub(/[ \t:]/, "", name)
	include(name)
	next
}

{ embed($0) }

END {
	if (failed)
		exit 1
	finish()
	if (part ~ /header$/)
		print "\t" (kind == "QUERY" ? "QUERIES" : "REPORTS") ",\n};\n\n#endif"
	else
		print "};"
	if (part == "migrations")
		print "\nconst int migration_count = sizeof(migrations) / sizeof(migrations[0]);"
}
