# hostile: somebody who may create things in the schema public finds no way into what the program does.

load helper

setup_file() {
	own_database
	role mallory
	role batch 'IN ROLE perennial_batch'
	db "GRANT CREATE, USAGE ON SCHEMA public TO ${OWN}mallory; CREATE TABLE public.trace (who text); GRANT ALL ON public.trace TO PUBLIC"
	# Better matches than what pg_catalog has for the calls of sql/query: with public in the search_path they win.
	as_role mallory db "
		CREATE FUNCTION public.trap() RETURNS void LANGUAGE sql AS \$\$ INSERT INTO public.trace VALUES (current_user) \$\$;
		CREATE FUNCTION public.divide(float8, int) RETURNS float8 LANGUAGE plpgsql AS
			\$\$ BEGIN PERFORM public.trap(); RETURN \$1 OPERATOR(pg_catalog./) \$2; END \$\$;
		CREATE OPERATOR public./ (LEFTARG = float8, RIGHTARG = int, FUNCTION = public.divide);
		CREATE FUNCTION public.join(text, bigint) RETURNS text LANGUAGE plpgsql AS
			\$\$ BEGIN PERFORM public.trap(); RETURN \$1 OPERATOR(pg_catalog.||) \$2::text; END \$\$;
		CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = bigint, FUNCTION = public.join)"
}

teardown_file() {
	drop_own
}

@test "the traps work, where the search_path has public" {
	db 'SELECT 1.0::float8 / 2' >/dev/null
	is "$(db 'SELECT count(*) > 0 FROM public.trace')" t
	db 'TRUNCATE public.trace'
}

@test "a run goes into none of them" {
	given_all
	db 'TRUNCATE public.trace'
	as_role batch exits 0 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT who FROM public.trace')" ''
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 5
}

@test "a plan goes into none of them" {
	given_all
	db 'TRUNCATE public.trace'
	exits 0 perennial plan --as-of "$AS_OF"
	is "$(db 'SELECT who FROM public.trace')" ''
}
